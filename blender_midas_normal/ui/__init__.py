"""What a user touches: operators, panels, properties and preferences."""
