"""Features: which channels carried this prediction?"""
