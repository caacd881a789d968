"""Mistakes: where is the model wrong, and what did it look at?"""
