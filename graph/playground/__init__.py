"""The pages for people: the playground at `/` and the description of the interface at `/docs`."""
