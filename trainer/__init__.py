"""Training: data, network, kernels, optimisers, diagnosis. Pure: knows nothing of searches or servers."""
