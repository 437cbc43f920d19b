"""The review format: papers with a long summary in numbered chapters."""
