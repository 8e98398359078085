"""One number per person while in view: one file a tracker."""
