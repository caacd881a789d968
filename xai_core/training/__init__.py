"""Training: train and fine-tune models, and how often they are right."""
