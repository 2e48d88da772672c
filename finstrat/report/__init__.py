"""The risk report: `report.json` is the truth, the HTML page is drawn from it alone."""
