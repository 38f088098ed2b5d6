package main

import "github.com/spf13/cobra"

func newDoctor(*options) *cobra.Command { return &cobra.Command{Use: "doctor", Hidden: true} }
