"""Operations that turn variables in physical units into network inputs, and back; exported with the flow."""
