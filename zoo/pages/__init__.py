"""From outcomes to Markdown pages."""
