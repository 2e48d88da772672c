"""Credit risk: scores from accounts and prices, and models trained on borrowers that defaulted."""
