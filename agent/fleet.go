package main

import "github.com/spf13/cobra"

func newFleet(*options) *cobra.Command { return &cobra.Command{Use: "fleet", Hidden: true} }
