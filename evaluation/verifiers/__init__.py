"""Speaker verifiers: ready-made ones and those that are trained here."""
