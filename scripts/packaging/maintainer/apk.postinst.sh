installed first
