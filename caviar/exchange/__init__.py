"""An agent's side of the worker protocol (docs/interfaces.md, 5): some threads talk while another trains."""
