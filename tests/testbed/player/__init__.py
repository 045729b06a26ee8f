"""What AWS does between the calls that a pipeline makes: builds, training, events. See cloud_player.py."""
