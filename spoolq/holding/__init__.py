"""What a consumer holds: the Job it was given, the lease behind it, and keeping that lease alive."""
