"""Images: untrusted bytes to an image to a tensor, superpixels, heatmaps on the image."""
