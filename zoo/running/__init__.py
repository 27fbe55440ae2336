"""Parts of `zoo.runner` and `zoo.child`: what they say to each other, and how a child is confined."""
