// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CONTEXTCOLUMNS
#define FLASHSIM_CONTEXTCOLUMNS

#include "FlashSim/Flow.hxx"
#include "FlashSim/Simulate.hxx"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace FlashSim {

/// A node, and the column of it for each context variable of each flow.
struct ContextColumns {
   ROOT::RDF::RNode fNode;
   std::vector<std::vector<std::string>> fColumns;
};

/// \brief Finds the column of each context variable, and defines those that are given as expressions.
/// \throws std::runtime_error for columns that are missing or varied, and for keys of `context` that fit no variable
ContextColumns ResolveContext(ROOT::RDF::RNode node, const std::vector<std::shared_ptr<const Flow>> &flows,
                              const std::map<std::string, std::string> &context);

/// Names of the columns that a flow adds.
struct RecoColumnNames {
   RecoColumnNames(const FlowContract &contract, const std::string &prefix);
   std::string fCount;                ///< nJet
   std::string fSourceIndex;          ///< Jet_genJetIdx
   std::vector<std::string> fTargets; ///< Jet_pt, ...
};

/// \throws std::runtime_error if the node has one of the columns already
void CheckNamesAreFree(ROOT::RDF::RNode &node, const RecoColumnNames &names, const std::string &flow);

} // namespace FlashSim

#endif
