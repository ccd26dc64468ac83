"""The paper's equations, each a function that carries its number."""
