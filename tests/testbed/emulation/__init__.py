"""What AWS does and moto does not, added to moto's own classes before its server starts."""
