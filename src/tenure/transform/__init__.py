"""Programs from programs: derivatives in both modes."""
