"""From impressions to a metric: inputs, the click head, its training, how predictions are judged."""
