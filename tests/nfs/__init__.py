"""The NFS suite: a real server and several client kernels on one machine. `bin/test-nfs` runs it."""
