"""From a suite's rows to tests, tables, plots and the page of results."""
