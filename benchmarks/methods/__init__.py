"""The methods, one a file: ``METHOD`` says what it is and builds its part of the graph."""
