"""
Evaluation: models and structures judged by the protocol of `mdbackmap.metrics`, as tables and plots.

================ ===========================================================================
module           what it does
================ ===========================================================================
bead_benchmark   a model on known chains, seen through beads of several bead models
benchmark        a model on known chains, beside the native structures and PULCHRA
likelihood       nats per residue, beside independent torsions
energy           energies after minimisation, where OpenMM is installed
proteins         the proteins of any files that MDAnalysis reads, matched residue by residue
judgement        generated proteins against a reference, or alone
plots            the figures as pictures
along_chain      pictures along the chain: errors, uncertainty, displacements, clashes
figures          what pictures have in common
report_page      a judgement as one HTML file
trace_report     scores of C-alpha traces, by frame and residue
molecule_report  a model of one molecule on held-out frames
peptide_torsions phi and psi of peptides of any length
picture          molecules drawn
viewer           molecules to turn, where py3Dmol or nglview is installed
pulchra          PULCHRA, where `pypulchra` is installed
================ ===========================================================================
"""
