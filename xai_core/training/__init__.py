"""Training: train and fine-tune networks, and how often they are right."""
