"""Age, gender, emotion and race: one file a family of networks."""
