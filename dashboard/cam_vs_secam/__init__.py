"""CAM or SeCAM: what do superpixels change?"""
