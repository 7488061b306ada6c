"""The weights that come with the package, with a card that says where they come from."""
