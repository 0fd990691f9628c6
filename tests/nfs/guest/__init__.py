"""What runs first in a guest."""
