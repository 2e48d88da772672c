"""The parts of a risk report, one to a file, in the order a committee reads them."""
