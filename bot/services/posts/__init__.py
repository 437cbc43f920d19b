"""Post contents, the `Renderer` port, and the factory of deliveries."""
