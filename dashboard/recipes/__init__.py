"""Recipes: what methods and metrics declare, known without torch."""
