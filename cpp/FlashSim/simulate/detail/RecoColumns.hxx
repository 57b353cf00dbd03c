// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_RECOCOLUMNS
#define FLASHSIM_RECOCOLUMNS

#include "FlashSim/FlowContract.hxx"

#include <ROOT/RDataFrame.hxx>

#include <string>
#include <vector>

namespace FlashSim {

/// Names of the columns that a flow adds.
struct RecoColumnNames {
   RecoColumnNames(const FlowContract &contract, const std::string &prefix);
   std::string fCollection;           ///< Jet
   std::string fCount;                ///< nJet; empty for a flow of events
   std::string fSourceIndex;          ///< Jet_genJetIdx; empty for a flow of events
   std::vector<std::string> fTargets; ///< Jet_pt, ...
};

/// \throws std::runtime_error if the node has one of the columns already
void CheckNamesAreFree(ROOT::RDF::RNode &node, const RecoColumnNames &names, const std::string &flow);

/// \brief The columns of the node that make a collection or point into it: for Jet, nJet, Jet_..., Muon_jetIdx and the
/// like.
std::vector<std::string> FindColumnsOfCollection(ROOT::RDF::RNode &node, const std::string &collection);

} // namespace FlashSim

#endif
