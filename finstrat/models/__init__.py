"""Models that finstrat trains itself."""

import logging

# Where torchao is installed, peft and the Trainer load it, and it tells of kernels for GPUs that
# aren't here, and of what its next release will call otherwise.
for _name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(_name).setLevel(logging.ERROR)
