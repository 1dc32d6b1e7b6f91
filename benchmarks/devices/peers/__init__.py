"""The engines that are compared, one module each; a module runs in the environment of its engine."""
