"""Who may do what in the emulated account: every call of a stack's own is judged by the stack's own policies."""
