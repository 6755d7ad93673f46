"""Six-class labels for anyone's scene, drawn from ESA WorldCover and OpenStreetMap."""
