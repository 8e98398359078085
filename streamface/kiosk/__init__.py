"""Who stands in front of the camera, decided with care: agreeing views, liveness, an audit record."""
