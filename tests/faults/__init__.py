"""What goes wrong from outside: killed processes, full disks, damaged files, clocks that jump."""
