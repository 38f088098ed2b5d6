package main

import "github.com/spf13/cobra"

func newService(*options) *cobra.Command { return &cobra.Command{Use: "service", Hidden: true} }
