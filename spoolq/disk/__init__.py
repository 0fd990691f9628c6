"""The only room that touches files: the file seam, the safe compositions, the server's clock."""
