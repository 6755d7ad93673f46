"""A STAC API 1.0.0 over the products of published editions: core, collections, features and item search."""
