"""What is posted: post contents, the renderer's port, and the deliveries made of them."""
