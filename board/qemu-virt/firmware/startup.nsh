@echo -off
# EDK2 comes here when nothing else starts: the loader once more, from the disk that this file is on.
\EFI\BOOT\BOOTAA64.EFI
