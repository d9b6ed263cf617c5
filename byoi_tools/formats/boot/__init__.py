"""Programs, kernels and archives that firmware and loaders start, and the entries that name them."""
