"""How a timeline becomes a picture: `picture.flatten` is the door."""
