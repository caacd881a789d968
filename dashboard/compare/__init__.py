"""Compare: how do the methods explain this image?"""
