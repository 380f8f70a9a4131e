"""What a run becomes for its readers: a page, a text for a pull request, a comparison."""
