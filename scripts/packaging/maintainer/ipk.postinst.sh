# opkg does not say whether it is an upgrade; to enable twice does no harm.
installed first
